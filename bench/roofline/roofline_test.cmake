# The table that is written is the one that would be made.
#   cmake -D BENCH=<pushforward_bench> -D WRITTEN=bench/roofline.md -D MADE=<file> -P bench/roofline/roofline_test.cmake
execute_process(COMMAND ${BENCH} --roofline OUTPUT_FILE ${MADE} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "roofline: ${BENCH} --roofline: ${failed}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${WRITTEN} ${MADE} RESULT_VARIABLE differs)
if(differs)
  message(FATAL_ERROR "roofline: bench/roofline.md is out of date; ./run bench --roofline > bench/roofline.md")
endif()
