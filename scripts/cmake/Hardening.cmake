# Hardening after the OpenSSF guide. Compilers differ, so every flag is probed. Sanitizers replace
# it: fortify hides findings from ASan, and wrapping overflow hides them from UBSan.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES C)

# Debug information names files from the project's top, so that builds are the same anywhere.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)

if(NOT ROOMHOOK_SANITIZE)
    # Fortify needs the optimiser, which the Debug build type does not use.
    add_compile_options(
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)

    foreach(flag IN ITEMS
            -fstack-clash-protection
            -fstack-protector-strong
            -fcf-protection=full
            -fno-delete-null-pointer-checks
            -fno-strict-overflow
            -fno-strict-aliasing
            -ftrivial-auto-var-init=zero
            -fstrict-flex-arrays=3
            -fzero-init-padding-bits=all)
        string(MAKE_C_IDENTIFIER "HAVE${flag}" result)
        check_c_compiler_flag(${flag} ${result})
        if(${result})
            add_compile_options(${flag})
        endif()
    endforeach()
endif()

foreach(flag IN ITEMS
        -Wl,-z,relro
        -Wl,-z,now
        -Wl,-z,noexecstack
        -Wl,--as-needed
        -Wl,--no-copy-dt-needed-entries)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" result)
    check_linker_flag(C ${flag} ${result})
    if(${result})
        add_link_options(${flag})
    endif()
endforeach()
