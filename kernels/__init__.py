"""Kernels: the recurrence that defines an operator, its block form in PyTorch, its Triton form; used through `lib`."""
