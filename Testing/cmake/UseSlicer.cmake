# The macros of Slicer's that the extension calls; see SlicerConfig.cmake.

set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer/qt-scripted-modules")
set(Slicer_EXTENSION_ROOT "${CMAKE_CURRENT_LIST_DIR}/../..")
include(CTest)
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)

# Copies the listed files into the build tree and installs them, with their folders.
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "slicerMacroBuildScriptedModule knows no ${MODULE_UNPARSED_ARGUMENTS}")
  endif()
  foreach(file ${MODULE_SCRIPTS} ${MODULE_RESOURCES})
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "slicerMacroBuildScriptedModule was given a file that is not there: ${file}")
    endif()
    configure_file(${file} "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}/${file}" COPYONLY)
    get_filename_component(folder ${file} DIRECTORY)
    install(FILES ${file} DESTINATION "${Slicer_QTSCRIPTEDMODULES_LIB_DIR}/${folder}")
  endforeach()
endfunction()

# Runs the tests of one file, as `ctest` does in Slicer; the module's own file has its self-test.
function(slicer_add_python_unittest)
  cmake_parse_arguments(TEST "" "SCRIPT" "" ${ARGN})
  get_filename_component(name ${TEST_SCRIPT} NAME_WE)
  set(script "${CMAKE_CURRENT_SOURCE_DIR}/${TEST_SCRIPT}")
  set(arguments "${script}")
  if(NOT name MATCHES "^test_")
    set(arguments "${CMAKE_CURRENT_SOURCE_DIR}/Testing/Python/test_module.py" -k SelfTest)
  endif()
  add_test(
    NAME py_${name}
    COMMAND ${Python3_EXECUTABLE} -m pytest -q ${arguments}
    WORKING_DIRECTORY ${Slicer_EXTENSION_ROOT}
    )
  set_tests_properties(py_${name} PROPERTIES ENVIRONMENT "QT_QPA_PLATFORM=offscreen")
endfunction()
