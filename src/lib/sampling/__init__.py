"""Points for approximation: orthonormal bases, Christoffel functions, determinantal and volume sampling."""
