# roomhook_embed_lua(<target> <header> <dir>)
#
# Makes <header> at build time, with `static const char lua_<name>[] = "…";` for each
# <dir>/<name>.lua, and puts it on the target's include path. A line "--include <part>" in a script
# stands for the text of producer/contract/scripts/<part>.lua, which may include others. This file
# is also the script that the build runs for it, with LIST (a file with one script's path a line),
# PARTS (that folder) and HEADER set.

function(roomhook_embed_lua target header dir)
    file(GLOB scripts CONFIGURE_DEPENDS ${dir}/*.lua)
    set(parts_dir ${PROJECT_SOURCE_DIR}/producer/contract/scripts)
    file(GLOB parts CONFIGURE_DEPENDS ${parts_dir}/*.lua)
    set(out_dir ${CMAKE_CURRENT_BINARY_DIR}/lua)
    set(list ${out_dir}/${header}.list)
    # The list is a dependency, so that the header is also made again when a script is removed.
    list(JOIN scripts "\n" lines)
    file(CONFIGURE OUTPUT ${list} CONTENT "${lines}\n" @ONLY)
    add_custom_command(
        OUTPUT ${out_dir}/${header}
        COMMAND ${CMAKE_COMMAND} -D LIST=${list} -D PARTS=${parts_dir}
            -D HEADER=${out_dir}/${header} -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        DEPENDS ${scripts} ${parts} ${list} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        COMMENT "Embedding the Lua scripts of ${dir}"
        VERBATIM)
    add_custom_target(${target}_lua DEPENDS ${out_dir}/${header})
    add_dependencies(${target} ${target}_lua)
    add_dependencies(generated ${target}_lua)
    target_include_directories(${target} PRIVATE ${out_dir})
endfunction()

# The script's text, with the parts it includes.
function(roomhook_read_lua path ret_text)
    file(READ ${path} text)
    while("${text}" MATCHES "\n--include ([a-z_]+)\n")
        set(part ${CMAKE_MATCH_1})
        file(READ ${PARTS}/${part}.lua part_text)
        string(REPLACE "\n--include ${part}\n" "\n${part_text}" text "${text}")
    endwhile()
    set(${ret_text} "${text}" PARENT_SCOPE)
endfunction()

# A C string literal, one source line a line.
function(roomhook_c_string text ret_literal)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\r" "\\r" text "${text}")
    string(REPLACE "\t" "\\t" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    set(${ret_literal} "\"${text}\"" PARENT_SCOPE)
endfunction()

function(roomhook_write_lua_header list header)
    file(STRINGS ${list} scripts)
    set(content "/* Generated from the Lua scripts; do not edit. */\n#pragma once\n")
    foreach(script IN LISTS scripts)
        get_filename_component(name ${script} NAME_WE)
        string(MAKE_C_IDENTIFIER ${name} name)
        roomhook_read_lua(${script} text)
        roomhook_c_string("${text}" literal)
        string(APPEND content "\nstatic const char lua_${name}[] =\n    ${literal};\n")
    endforeach()
    file(WRITE ${header} "${content}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    roomhook_write_lua_header(${LIST} ${HEADER})
endif()
