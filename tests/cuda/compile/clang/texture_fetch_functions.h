// clang's own header for CUDA asks for this file, which the toolkit has no more. Textures are not used.
