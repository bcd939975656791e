# A stand-in for Slicer's CMake package: what this extension uses of it, and nothing else.
#
#   cmake -S . -B build -DSlicer_DIR=$PWD/Testing/cmake -DPython3_EXECUTABLE=$(which python)
#   cmake --build build && cmake --install build --prefix installed
#   ctest --test-dir build
#
# The module goes where Slicer looks for it below the build and the install folder; each unit test
# runs in the test host (Testing/host) through pytest. Not covered: compiling to .pyc, packaging,
# and the generic tests, which Slicer makes itself.

set(Slicer_FOUND TRUE)
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/GenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/CPack.cmake")
