# The libraries, found by pkg-config as imported targets PkgConfig::<NAME>.
find_package(PkgConfig REQUIRED)

# roomhook_find(<NAME> <Debian package> <pkg-config name>...): the first name that exists is taken.
function(roomhook_find name debian_package)
    pkg_search_module(${name} QUIET IMPORTED_TARGET ${ARGN})
    if(NOT ${name}_FOUND)
        list(JOIN ARGN " or " modules)
        message(FATAL_ERROR "pkg-config does not find ${modules}. "
            "Install the Debian package ${debian_package}, or run scripts/setup.")
    endif()
    # A module may give its include directories relative to its prefix, as Debian 13's msgpack-c
    # does.
    set(include_dirs ${${name}_INCLUDE_DIRS})
    list(TRANSFORM include_dirs PREPEND ${${name}_PREFIX}/ REGEX "^[^/]")
    set_target_properties(PkgConfig::${name} PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${include_dirs}")
endfunction()

roomhook_find(HIREDIS libhiredis-dev hiredis)
roomhook_find(CURL libcurl4-openssl-dev libcurl>=7.85)
# Debian 12 has libmsgpack-dev, Debian 13 libmsgpack-c-dev.
roomhook_find(MSGPACK "libmsgpack-dev or libmsgpack-c-dev" msgpack-c msgpack)
roomhook_find(JANSSON libjansson-dev jansson)
roomhook_find(EVENT_CORE libevent-dev libevent_core>=2.1)
roomhook_find(EVENT_EXTRA libevent-dev libevent_extra>=2.1)
roomhook_find(EVENT_OPENSSL libevent-dev libevent_openssl>=2.1)
roomhook_find(CRYPTO libssl-dev libcrypto>=3.0)
roomhook_find(SSL libssl-dev libssl>=3.0)
roomhook_find(INIH libinih-dev inih)
if(BUILD_TESTING)
    roomhook_find(CMOCKA libcmocka-dev cmocka>=1.1)
endif()

find_path(UTHASH_INCLUDE_DIR uthash.h)
if(NOT UTHASH_INCLUDE_DIR)
    message(FATAL_ERROR "uthash.h is missing. "
        "Install the Debian package uthash-dev, or run scripts/setup.")
endif()
add_library(uthash INTERFACE)
target_include_directories(uthash SYSTEM INTERFACE ${UTHASH_INCLUDE_DIR})
# A table that cannot grow says so instead of ending the process. The default hash function is long
# at each of its uses and falls through its switch, which clang warns of.
target_compile_definitions(uthash INTERFACE HASH_NONFATAL_OOM=1 HASH_FUNCTION=HASH_OAT)
