# Builds the CUDA library with nvcc, warnings and spills as errors, and writes what each kernel uses to <build>/usage.txt.
# Machine code for all architectures is made from one PTX, as a driver would make it: what is before the PTX is done once.
set(list ${ARCHITECTURES})
execute_process(COMMAND ${NVCC} --list-gpu-code OUTPUT_VARIABLE known COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[0-9]+" known "${known}")
if(list STREQUAL "all")
  set(list ${known})
endif()
list(GET known 0 oldest)
foreach(one IN LISTS list)
  string(APPEND flags "-gencode=arch=compute_${oldest},code=sm_${one} ")
endforeach()
string(APPEND flags "-Werror=all-warnings -Xptxas=--verbose,--warn-on-spills,--warning-as-error")

execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja -D CMAKE_BUILD_TYPE=Release
    -D PF_CUDA=ON -D CMAKE_CUDA_COMPILER=${NVCC} -D CMAKE_CUDA_ARCHITECTURES=OFF -D "CMAKE_CUDA_FLAGS=${flags}"
    -D CMAKE_CUDA_COMPILER_LAUNCHER=${CMAKE_CURRENT_LIST_DIR}/keep_usage.sh
    -D PF_WERROR=ON -D PF_BUILD_TESTS=OFF -D PF_BUILD_BENCH=OFF -D PF_BUILD_PROGRAM=OFF
  OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "configuring failed\n${said}")
endif()
# pushforward_cuda and the kernels of the models' own operations, but not the layers on the host.
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} -j ${JOBS} --target pf_models_cuda -- -k 0
  OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE failed)
if(failed)
  string(FIND "${said}" "FAILED:" first)
  string(SUBSTRING "${said}" ${first} -1 said)
  message("${said}")
  message(FATAL_ERROR "nvcc for ${list}: see above")
endif()

file(GLOB_RECURSE parts ${BUILD}/*.cu.o.usage)
file(WRITE ${BUILD}/usage.txt.new "")
foreach(part IN LISTS parts)
  file(READ ${part} usage)
  file(APPEND ${BUILD}/usage.txt.new "${usage}")
endforeach()
file(RENAME ${BUILD}/usage.txt.new ${BUILD}/usage.txt)
execute_process(COMMAND ${NVCC} --version OUTPUT_VARIABLE version)
string(REGEX MATCH "V[0-9.]+" version "${version}")
file(WRITE ${BUILD}/nvcc.txt "${version}\n")
list(LENGTH list count)
message(STATUS "nvcc ${version}: compiled for ${count} architectures (${list}) without a warning or a spill")
