"""The lemma of `lib.regression.preconditioner` in many digits, for designs beyond double precision."""

import itertools

import mpmath


def exact_cauchy(rows: int, shifts, digits: int = 80) -> list[list[mpmath.mpf]]:
    """Columns of 1 / (t + a) for t equispaced on [0, 1]; the shifts a are taken as the doubles they are."""
    with mpmath.workdps(digits):
        points = [mpmath.mpf(n) / (rows - 1) for n in range(rows)]
        return [[1 / (t + mpmath.mpf(float(a))) for t in points] for a in shifts]


def geometric_factor(rows: int, exponents, rng, digits: int = 80) -> list[list[mpmath.mpf]]:
    """Columns u + 2^-e g for integers e, u and g of standard normal doubles: scales beyond double precision."""
    with mpmath.workdps(digits):
        common = [mpmath.mpf(v) for v in rng.standard_normal(rows)]
        return [
            [u + mpmath.ldexp(mpmath.mpf(v), -int(e)) for u, v in zip(common, rng.standard_normal(rows))]
            for e in exponents
        ]


def _orthonormalise(columns: list) -> tuple[list, list[list]]:
    """Modified Gram-Schmidt: orthonormal columns, and the triangle as a list of the coefficients of each column."""
    basis, triangle = [], []
    for column in columns:
        rest, coefficients = list(column), []
        for direction in basis:
            part = mpmath.fdot(direction, rest)
            coefficients.append(part)
            rest = [r - part * q for r, q in zip(rest, direction)]
        length = mpmath.sqrt(mpmath.fdot(rest, rest))
        coefficients.append(length)
        triangle.append(coefficients)
        basis.append([r / length for r in rest])
    return basis, triangle


def _distance(column: list, basis: list) -> mpmath.mpf:
    rest = list(column)
    for direction in basis:
        part = mpmath.fdot(direction, rest)
        rest = [r - part * q for r, q in zip(rest, direction)]
    return mpmath.sqrt(mpmath.fdot(rest, rest))


def check_lemma(columns: list, support: list[int], chosen: list[int], digits: int = 80) -> tuple[bool, float]:
    """Whether the support violates the lemma for these chosen columns, and its largest cost over k.

    The same quantities as `violates` and `largest_cost`, by modified Gram-Schmidt in many digits.

    Args:
        columns: lists of numbers.
        support: k places.
        chosen: r places.
        digits: decimal digits.
    """
    with mpmath.workdps(digits):
        basis, _ = _orthonormalise([columns[j] for j in chosen])
        rho = [mpmath.mpf(0) if i in chosen else _distance(columns[i], basis) for i in support]
        within = [_distance(columns[i], _orthonormalise([columns[j] for j in support if j != i])[0]) for i in support]
        _, triangle = _orthonormalise([columns[i] for i in support])
        largest = mpmath.mpf(0)
        for signs in itertools.product((1, -1), repeat=len(support) - 1):
            solution = []  # of T^T z = e * rho, by forward substitution: row i of T^T is column i of T
            for i, sign in enumerate((1, *signs)):
                known = mpmath.fdot(triangle[i][:i], solution)
                solution.append((sign * rho[i] - known) / triangle[i][i])
            largest = max(largest, mpmath.fdot(solution, solution))
        violated = any(r > d * (1 + mpmath.mpf(10) ** (3 - digits // 2)) for r, d in zip(rho, within))
        return violated, float(mpmath.sqrt(largest) / len(support))
