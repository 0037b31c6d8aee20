# The installed package works for somebody else: installs to a temporary prefix, builds tests/package/consumer/ there with
# find_package(pushforward), runs it, and compiles every installed header.
#   cmake -D BUILD=<build folder> -D CONSUMER=<its sources> -D CXX=… -D CONFIG=… -D GENERATOR=… -P package_test.cmake
cmake_minimum_required(VERSION 3.25)
if(DEFINED ENV{TMPDIR})
  set(temporary $ENV{TMPDIR})
else()
  set(temporary /tmp)
endif()
string(RANDOM LENGTH 8 suffix)
set(place ${temporary}/pushforward-package-${suffix})

function(step doing)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    file(REMOVE_RECURSE ${place})
    message(FATAL_ERROR "package: ${doing} failed (${status}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

step("installing" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${place}/prefix)
file(COPY ${CONSUMER}/ DESTINATION ${place}/source)

file(GLOB_RECURSE headers RELATIVE ${place}/prefix/include/pushforward ${place}/prefix/include/pushforward/*.h)
list(FILTER headers EXCLUDE REGEX "/cuda/")  # for sources of the CUDA library only
list(LENGTH headers count)
if(count EQUAL 0)
  file(REMOVE_RECURSE ${place})
  message(FATAL_ERROR "package: no header was installed")
endif()
list(TRANSFORM headers REPLACE "(.+)" "#include \"\\1\"\n")
list(JOIN headers "" text)
file(WRITE ${place}/source/headers.cpp "${text}")

step("configuring the consumer" ${CMAKE_COMMAND} -S ${place}/source -B ${place}/build -G ${GENERATOR}
  -DCMAKE_PREFIX_PATH=${place}/prefix -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=${CONFIG})
step("building the consumer" ${CMAKE_COMMAND} --build ${place}/build)
step("running the consumer" ${place}/build/consumer)
if(NOT output MATCHES "1, *8, *27")
  file(REMOVE_RECURSE ${place})
  message(FATAL_ERROR "package: the consumer should print the cubes 1, 8, 27, and printed:\n${output}")
endif()
if(EXISTS ${place}/prefix/bin/pushforward)
  step("running the installed program" ${place}/prefix/bin/pushforward --help)
endif()
file(REMOVE_RECURSE ${place})
message("package: ${count} headers installed, the consumer printed ${output}")
