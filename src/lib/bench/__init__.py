"""Times, bytes and operations of kernels, beside what the machine can do."""
