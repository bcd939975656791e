# Slicer writes the extension's description here; what it takes from the extension must be there.

foreach(variable HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  if(NOT EXTENSION_${variable})
    message(FATAL_ERROR "EXTENSION_${variable} is empty")
  endif()
endforeach()
