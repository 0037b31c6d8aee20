# Files of the source tree as text inside a library. pf_embed(<target> <header> <file>…) is to be called where <target>
# is made; each <file> becomes what <header> declares as std::string_view pf::embedded::<its name with _ for .>.
#   cmake -D HEADER=<header> -D FILES=<a;b> -D OUT=<out.cpp> -P embed.cmake   writes the source
if(CMAKE_SCRIPT_MODE_FILE)
  set(text "// Written by models/report/embed.cmake.\n#include \"${HEADER}\"\nnamespace pf::embedded {\n")
  foreach(file IN LISTS FILES)
    cmake_path(GET file FILENAME name)
    string(MAKE_C_IDENTIFIER ${name} name)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    string(APPEND text "static const char ${name}_bytes[] = {${bytes}'\\0'};\n"
      "const std::string_view ${name}{${name}_bytes, sizeof ${name}_bytes - 1};\n")
  endforeach()
  file(WRITE ${OUT} "${text}}  // namespace pf::embedded\n")
  return()
endif()

set(PF_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(pf_embed target header)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  cmake_path(GET header STEM name)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/generated/${name}.cpp)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -D HEADER=${header} "-DFILES=${files}" -D OUT=${out} -P ${PF_EMBED_SCRIPT}
    DEPENDS ${files} ${PF_EMBED_SCRIPT} VERBATIM COMMENT "Embedding the files of ${header}")
  target_sources(${target} PRIVATE ${out})
endfunction()
