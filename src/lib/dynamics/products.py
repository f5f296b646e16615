"""Products of small matrices inside compiled recurrences, where a call of BLAS costs more than the product."""

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES, ROWS = 16, 4


@intrinsic
def _add_in_lanes(_, w, x, out):
    """Code of out += w x for C-contiguous arrays: ROWS rows of `out` in registers, LANES of their columns each."""

    def build(context, builder, signature, args):
        w_array, x_array, out_array = (context.make_array(t)(context, builder, v) for t, v in zip(signature.args, args))
        number = context.get_value_type(signature.args[0].dtype)
        vector, word, half = ir.VectorType(number, LANES), ir.IntType(64), ir.IntType(32)
        rows, inner = cgutils.unpack_tuple(builder, w_array.shape)
        columns = cgutils.unpack_tuple(builder, out_array.shape)[1]
        size = context.get_abi_sizeof(number)
        zero, one, blank = word(0), word(1), ir.Constant(vector, ir.Undefined)

        def lanes(array, row, column):
            at = builder.gep(array.data, [builder.add(builder.mul(row, columns), column)])
            return builder.bitcast(at, vector.as_pointer())

        def repeated(row, column):
            at = builder.gep(w_array.data, [builder.add(builder.mul(row, inner), column)])
            single = builder.insert_element(blank, builder.load(at), half(0))
            return builder.shuffle_vector(single, blank, ir.Constant(ir.VectorType(half, LANES), [0] * LANES))

        def add_rows(first, column, number_of_rows):
            indices = [builder.add(first, word(k)) for k in range(number_of_rows)]
            sums = [cgutils.alloca_once(builder, vector) for _ in indices]
            for index, total in zip(indices, sums):
                builder.store(builder.load(lanes(out_array, index, column), align=size), total)
            with cgutils.for_range(builder, inner) as terms:
                values = builder.load(lanes(x_array, terms.index, column), align=size)
                for index, total in zip(indices, sums):
                    term = builder.fmul(repeated(index, terms.index), values)
                    builder.store(builder.fadd(builder.load(total), term), total)
            for index, total in zip(indices, sums):
                builder.store(builder.load(total), lanes(out_array, index, column), align=size)

        whole = builder.sub(rows, builder.urem(rows, word(ROWS)))
        with cgutils.for_range_slice(builder, zero, columns, word(LANES), inc=True) as (column, _):
            with cgutils.for_range_slice(builder, zero, whole, word(ROWS), inc=True) as (row, _):
                add_rows(row, column, ROWS)
            with cgutils.for_range_slice(builder, whole, rows, one, inc=True) as (row, _):
                add_rows(row, column, 1)
        return context.get_dummy_value()

    return types.void(w, x, out), build


@njit(cache=True)
def add_product(w, x, out):
    """Out += w x for C-contiguous w (M, K), x (K, S), out (M, S), in the order of K whatever the machine."""
    if x.shape[1] % LANES == 0:
        _add_in_lanes(w, x, out)
        return
    for i in range(w.shape[0]):
        for k in range(w.shape[1]):
            for s in range(x.shape[1]):
                out[i, s] += w[i, k] * x[k, s]
