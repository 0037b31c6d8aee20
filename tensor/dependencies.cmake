# The two things of pf_tensor's that need more than find_package. Used by this build and by find_package(pushforward).

# OpenBLAS with its pthread back end, by preference from its own folder: with the OpenMP build, small products called from
# our own threads are tens of times slower, and the plain name libopenblas.so is whichever build the system's alternatives
# point to; so the folder is linked (and goes into the run path).
if(NOT TARGET pushforward::openblas)
  find_path(PF_OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES openblas-pthread openblas)
  find_library(PF_OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-pthread)
  mark_as_advanced(PF_OPENBLAS_INCLUDE PF_OPENBLAS_LIBRARY)
  if(NOT PF_OPENBLAS_INCLUDE OR NOT PF_OPENBLAS_LIBRARY)
    message(FATAL_ERROR "pushforward: OpenBLAS not found (Debian: apt install libopenblas-pthread-dev)")
  endif()
  add_library(pushforward::openblas INTERFACE IMPORTED GLOBAL)
  target_include_directories(pushforward::openblas INTERFACE ${PF_OPENBLAS_INCLUDE})
  target_link_libraries(pushforward::openblas INTERFACE ${PF_OPENBLAS_LIBRARY})
endif()

# xsimd is headers only. Its own package file asks the linker for xtl, which is not needed here nor always there.
if(NOT TARGET pushforward::xsimd)
  find_path(PF_XSIMD_INCLUDE xsimd/xsimd.hpp)
  mark_as_advanced(PF_XSIMD_INCLUDE)
  if(NOT PF_XSIMD_INCLUDE)
    message(FATAL_ERROR "pushforward: xsimd not found (Debian: apt install libxsimd-dev)")
  endif()
  add_library(pushforward::xsimd INTERFACE IMPORTED GLOBAL)
  target_include_directories(pushforward::xsimd INTERFACE ${PF_XSIMD_INCLUDE})
endif()
