"""Kernels: sequence operators, each as its definition, its block form in PyTorch, its Triton form and its decode step.

Every operator is a package with the same files, and a backend is named after the form that it runs:

    __init__        the operator on whole sequences: checks, choice of the backend
    recurrent       the recurrence that defines it, token by token, in float64     backend `recurrent`
    chunked         the block form in PyTorch                                      backend `chunked`
    fused           the Triton form: layout, launches, gradients                   backend `triton`
    fused_kernels   its device code
    decode          one token: checks, choice of the backend (`recurrent` or `triton`)
    fused_decode    one token as one Triton kernel

Some have `compiled`, token by token in Numba, the form of a CPU; `mamba3` has a `quadratic` form as well. The backend
`auto` takes Triton on a CUDA device (float64 excepted), elsewhere the compiled form or the block form.

Axes are `[B, T, H, D]` everywhere: batch, tokens, heads, width; numbers for each token and head are `[B, T, H]`. A
state has one row for each sequence, `[B, H, ...]`. A call without tokens, or a packed sequence without tokens, has an
empty output and keeps its state.

All kernels share `packed` (several sequences in one row of tokens, `cu_seqlens`), `arguments` (checks, choice of the
backend), `device` (device code) and `agreement` (the distance of two forms).
"""
