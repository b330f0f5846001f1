"""Martlet against somebody else's results: LiteRT's reference kernels (`OpResolverType.BUILTIN_REF`)."""
