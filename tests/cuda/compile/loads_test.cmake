# The real library on a machine without a GPU: it loads, and the program says in a sentence why it cannot be used. On a machine
# with one, training starts.
execute_process(COMMAND ${CMAKE_COMMAND} -E env PF_CUDA_LIBRARY=${LIBRARY} ${PROGRAM} doctor
  OUTPUT_VARIABLE doctor RESULT_VARIABLE status)
message(STATUS "${doctor}")
if(NOT doctor MATCHES "CUDA|cuda")
  message(FATAL_ERROR "doctor says nothing of CUDA")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E env PF_CUDA_LIBRARY=${LIBRARY} ${PROGRAM}
    sample no-such-run -n 1 --device cuda --out ${CMAKE_CURRENT_BINARY_DIR}/x.npy
  ERROR_VARIABLE said RESULT_VARIABLE status)
string(REGEX MATCHALL "\n" lines "${said}")
list(LENGTH lines count)
if(NOT status EQUAL 1 OR NOT count EQUAL 1)
  message(FATAL_ERROR "expected one line and status 1, found status ${status}:\n${said}")
endif()
