# What `cmake --install` puts where. The copy may be moved: nothing in it names its prefix.
include(CMakePackageConfigHelpers)

install(TARGETS roomhook EXPORT roomhook)
install(TARGETS roomhook_cli roomhook_worker roomhook_web)
install(DIRECTORY include/roomhook ${PROJECT_BINARY_DIR}/include/roomhook
    TYPE INCLUDE
    FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE TYPE DOC)
# Not below libdir, which has the architecture's name in it: systemd looks here.
install(FILES scripts/systemd/roomhook-worker@.service scripts/systemd/roomhook-web.service
    DESTINATION lib/systemd/system)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/roomhook)
install(EXPORT roomhook
    NAMESPACE roomhook::
    FILE roomhook-config.cmake
    DESTINATION ${package_dir})
write_basic_package_version_file(roomhook-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/roomhook-config-version.cmake DESTINATION ${package_dir})

set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig /prefix/${pkgconfig_dir} /prefix)
configure_file(scripts/cmake/roomhook.pc.in roomhook.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/roomhook.pc DESTINATION ${pkgconfig_dir})
