# What `cmake --install` puts where. All but /etc lies below the prefix, which may also be chosen at installation
# (--prefix): systemd, sysusers, tmpfiles and bash look below /usr and /usr/local alike. DESTDIR works as everywhere.

# Where a package wants such files, as its pkg-config module says, below the prefix instead of /usr.
function(directory_of output module variable fallback)
  set(directory ${fallback})
  pkg_check_modules(${module} QUIET ${module})
  if(${module}_FOUND)
    pkg_get_variable(found ${module} ${variable})
    if(found)
      string(REGEX REPLACE "^/(usr/)?" "" directory ${found})
    endif()
  endif()
  set(${output} ${directory} CACHE STRING "Below the prefix: ${variable} of ${module}")
endfunction()

directory_of(CERTHERD_UNIT_DIR systemd systemdsystemunitdir lib/systemd/system)
directory_of(CERTHERD_SYSUSERS_DIR systemd sysusersdir lib/sysusers.d)
directory_of(CERTHERD_TMPFILES_DIR systemd tmpfilesdir lib/tmpfiles.d)
directory_of(CERTHERD_COMPLETIONS_DIR bash-completion completionsdir share/bash-completion/completions)
# The program reads /etc/certherd and logrotate reads /etc/logrotate.d, whatever the prefix.
set(CERTHERD_ETC_DIR /etc CACHE PATH "Configuration")
set(CERTHERD_DOC_DIR ${CMAKE_INSTALL_DATAROOTDIR}/doc/certherd CACHE STRING "Below the prefix: documentation")

install(TARGETS certherd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES src/certbot/launcher.py src/certbot/warm_host.py DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/certherd)
install(DIRECTORY plugins-map/ DESTINATION ${CMAKE_INSTALL_DATADIR}/certherd/plugins-map
  FILES_MATCHING PATTERN "*.yaml")

# The unit names the program and the examples: where they go is known now only.
set(unit ${PROJECT_BINARY_DIR}/install/certherd.service)
install(CODE "
  file(READ \"${PROJECT_SOURCE_DIR}/systemd/certherd.service\" text)
  string(REPLACE /usr/bin/certherd \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/certherd\" text \"\${text}\")
  string(REPLACE /usr/share/doc/certherd \"\${CMAKE_INSTALL_PREFIX}/${CERTHERD_DOC_DIR}\" text \"\${text}\")
  file(WRITE \"${unit}\" \"\${text}\")")
install(FILES ${unit} DESTINATION ${CERTHERD_UNIT_DIR})
install(FILES systemd/certherd.sysusers DESTINATION ${CERTHERD_SYSUSERS_DIR} RENAME certherd.conf)
install(FILES systemd/certherd.tmpfiles DESTINATION ${CERTHERD_TMPFILES_DIR} RENAME certherd.conf)
install(FILES etc/bash-completion/certherd DESTINATION ${CERTHERD_COMPLETIONS_DIR})
if(EXISTS ${PROJECT_SOURCE_DIR}/etc/logrotate.d/certherd)
  install(FILES etc/logrotate.d/certherd DESTINATION ${CERTHERD_ETC_DIR}/logrotate.d)
endif()

install(FILES README.md DESTINATION ${CERTHERD_DOC_DIR})
install(FILES etc/certherd.yaml DESTINATION ${CERTHERD_DOC_DIR}/examples)
install(DIRECTORY etc/polkit-1 etc/examples/ DESTINATION ${CERTHERD_DOC_DIR}/examples)

# The administrator's configuration is never touched.
install(CODE "
  set(configuration \"\$ENV{DESTDIR}${CERTHERD_ETC_DIR}/certherd/certherd.yaml\")
  if(NOT EXISTS \"\${configuration}\" AND NOT IS_SYMLINK \"\${configuration}\")
    message(STATUS \"Installing: \${configuration}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/etc/certherd.yaml\" \"\${configuration}\" COPYONLY)
    file(CHMOD \"\${configuration}\" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endif()")
