# Warnings for all our C code; those that only one compiler knows are probed. format-truncation is
# off: texts for people are cut at their bound on purpose.
include(CheckCCompilerFlag)

add_compile_options(
    -Wall -Wextra -Wformat=2 -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Wshadow -Wvla
    -Walloca -Wstrict-prototypes -Wmissing-prototypes -Wnull-dereference -Wcast-qual -Wundef
    -Wpointer-arith -Wwrite-strings
    -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types
    -Werror=int-conversion)

foreach(flag IN ITEMS -Wbidi-chars=any -Wtrampolines -Wduplicated-cond
        -Wno-format-truncation)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" result)
    check_c_compiler_flag(${flag} ${result})
    if(${result})
        add_compile_options(${flag})
    endif()
endforeach()

if(ROOMHOOK_WERROR)
    add_compile_options(-Werror)
endif()
