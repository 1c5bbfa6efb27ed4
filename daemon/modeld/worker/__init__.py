"""The child process that holds one model; the only importer of llama_cpp."""
