# `cmake --install BUILD --prefix FOLDER`: the program with all that it runs on, in a folder that may be moved anywhere.
set_target_properties(attune PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
install(TARGETS attune RUNTIME DESTINATION bin)
install(DIRECTORY recipes docs DESTINATION share/attune)
install(FILES README.md CHANGELOG.md DESTINATION share/attune)
file(GLOB torch_license ${ATTUNE_TORCH_ROOT}/../torch-*.dist-info/licenses/LICENSE)
install(FILES ${torch_license} DESTINATION share/attune/licenses/torch)

# Every library but those of the C and C++ compilers, which any Linux has. libtorch is half a gigabyte: a second name
# for the same file where the file system allows it.
install(CODE "set(program \"$<TARGET_FILE:attune>\")")
install(CODE [[
  file(GET_RUNTIME_DEPENDENCIES EXECUTABLES "${program}" RESOLVED_DEPENDENCIES_VAR libraries
    PRE_EXCLUDE_REGEXES "^(ld-linux|lib(c|m|dl|rt|pthread|stdc\\+\\+|gcc_s)\\.so)")
  set(folder "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib")
  file(MAKE_DIRECTORY "${folder}")
  foreach(library IN LISTS libraries)
    get_filename_component(name "${library}" NAME)
    file(REAL_PATH "${library}" file)
    message(STATUS "Installing: ${folder}/${name}")
    file(CREATE_LINK "${file}" "${folder}/${name}" COPY_ON_ERROR)
  endforeach()
]])
