# ROOMHOOK_SANITIZE instruments everything; a finding ends the process, so that tests notice.
if(ROOMHOOK_SANITIZE)
    list(JOIN ROOMHOOK_SANITIZE "," sanitizers)
    add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${sanitizers})
    # Then each allocation is malloc's own, so that they see where it ends.
    add_compile_definitions(ROOMHOOK_SANITIZE)
endif()
