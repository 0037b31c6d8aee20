# Every folder of the project has its README.md, and every file that a README names is there: relative links, and paths
# in backticks such as `tensor/ops/softplus.h`, from the root or from the README's own folder. Left out: paths with
# placeholders or wildcards, and what a build or a run makes (build/, out/, runs/).
#   cmake -D ROOT=<project> -P tests/readmes_test.cmake
cmake_minimum_required(VERSION 3.25)
set(wrong)
set(checked 0)
foreach(folder tensor autograd nn models bench tests)
  if(NOT EXISTS ${ROOT}/${folder}/README.md)
    list(APPEND wrong "${folder}/ has no README.md")
  endif()
endforeach()

file(GLOB readmes ${ROOT}/README.md)
foreach(folder tensor autograd nn models bench tests)
  file(GLOB_RECURSE found ${ROOT}/${folder}/*.md)
  list(APPEND readmes ${found})
endforeach()

foreach(readme IN LISTS readmes)
  cmake_path(GET readme PARENT_PATH here)
  cmake_path(RELATIVE_PATH readme BASE_DIRECTORY ${ROOT} OUTPUT_VARIABLE name)
  file(READ ${readme} text)
  string(REPLACE ";" "," text "${text}")
  string(REPLACE "](" "LINK(" text "${text}")  # brackets would join the elements of a CMake list
  string(REGEX REPLACE "[][]" " " text "${text}")

  # Fenced code is not prose: what it names may be the reader's to write.
  string(REPLACE "```" ";" parts "${text}")
  set(prose "")
  set(fenced FALSE)
  foreach(part IN LISTS parts)
    if(fenced)
      set(fenced FALSE)
    else()
      string(APPEND prose " ${part}")
      set(fenced TRUE)
    endif()
  endforeach()

  set(targets)
  string(REGEX MATCHALL "LINK\\([^) ]+" links "${prose}")
  foreach(link IN LISTS links)
    string(REGEX REPLACE "^LINK." "" link "${link}")
    string(REGEX REPLACE "#.*$" "" link "${link}")
    if(link AND NOT link MATCHES "^[a-z]+:")
      list(APPEND targets "${link}")
    endif()
  endforeach()
  string(REGEX MATCHALL "`[A-Za-z0-9_.][A-Za-z0-9_./-]*`" quotes "${prose}")
  foreach(quote IN LISTS quotes)
    string(REPLACE "`" "" quote "${quote}")
    # A path of the project: it has a folder, and an ending or a closing slash.
    if(quote MATCHES "/" AND quote MATCHES "(/|\\.(h|cpp|cu|in|def|md|cmake|txt|json|html|png|npy))$"
        AND NOT quote MATCHES "^(build|out|runs|include)/|^/")
      list(APPEND targets "${quote}")
    endif()
  endforeach()

  foreach(target IN LISTS targets)
    math(EXPR checked "${checked} + 1")
    if(NOT EXISTS ${here}/${target} AND NOT EXISTS ${ROOT}/${target})
      list(APPEND wrong "${name} names ${target}, which does not exist")
    endif()
  endforeach()
endforeach()

if(wrong)
  list(REMOVE_DUPLICATES wrong)
  list(JOIN wrong "\n  " lines)
  message(FATAL_ERROR "readmes:\n  ${lines}")
endif()
list(LENGTH readmes count)
message("readmes: ${count} files name ${checked} paths, all there")
