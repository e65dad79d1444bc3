# roomhook_embed_assets(<target> <header> <dir>)
#
# Makes <header> at build time, with a list `assets[]` of the files in <dir>: name, content, the
# same by gzip, and a tag that changes with the content, and puts it on the target's include path.
# This file is also the script that the build runs for it, with LIST (a file with one file's path a
# line) and HEADER set.

function(roomhook_embed_assets target header dir)
    file(GLOB files CONFIGURE_DEPENDS ${dir}/*)
    set(out_dir ${CMAKE_CURRENT_BINARY_DIR}/assets)
    set(list ${out_dir}/${header}.list)
    # The list is a dependency, so that the header is also made again when a file is removed.
    list(JOIN files "\n" lines)
    file(CONFIGURE OUTPUT ${list} CONTENT "${lines}\n" @ONLY)
    add_custom_command(
        OUTPUT ${out_dir}/${header}
        COMMAND ${CMAKE_COMMAND} -D LIST=${list} -D HEADER=${out_dir}/${header}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        DEPENDS ${files} ${list} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        COMMENT "Embedding the files of ${dir}"
        VERBATIM)
    add_custom_target(${target}_assets DEPENDS ${out_dir}/${header})
    add_dependencies(${target} ${target}_assets)
    add_dependencies(generated ${target}_assets)
    target_include_directories(${target} PRIVATE ${out_dir})
endfunction()

# By gzip, as hexadecimal digits. Its header has the time, for which 0 stands here, so that a build
# is the same whenever it is made.
function(roomhook_pack path packed out)
    file(ARCHIVE_CREATE OUTPUT ${packed} PATHS ${path} FORMAT raw COMPRESSION GZip
        COMPRESSION_LEVEL 9)
    file(READ ${packed} hex HEX)
    file(REMOVE ${packed})
    string(SUBSTRING ${hex} 0 8 begin)
    string(SUBSTRING ${hex} 16 -1 end)
    set(${out} "${begin}00000000${end}" PARENT_SCOPE)
endfunction()

function(roomhook_write_assets_header list header)
    file(STRINGS ${list} paths)
    set(content "/* Generated from the pages' files; do not edit. */\n#pragma once\n")
    set(table "")
    foreach(path IN LISTS paths)
        get_filename_component(name ${path} NAME)
        string(MAKE_C_IDENTIFIER ${name} symbol)
        file(READ ${path} hex HEX)
        file(SHA256 ${path} tag)
        string(SUBSTRING ${tag} 0 16 tag)
        roomhook_pack(${path} ${header}.gz packed_hex)
        string(REGEX REPLACE "(..)" "0x\\1," octets "${hex}")
        string(REGEX REPLACE "(..)" "0x\\1," packed_octets "${packed_hex}")
        string(APPEND content "\nstatic const unsigned char asset_${symbol}[] = {${octets}};\n"
            "static const unsigned char packed_${symbol}[] = {${packed_octets}};\n")
        string(APPEND table
            "    {\"${name}\", asset_${symbol}, sizeof(asset_${symbol}),\n"
            "     packed_${symbol}, sizeof(packed_${symbol}), \"\\\"${tag}\\\"\"},\n")
    endforeach()
    file(WRITE ${header} "${content}\nstatic const struct asset assets[] = {\n${table}};\n")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    roomhook_write_assets_header(${LIST} ${HEADER})
endif()
