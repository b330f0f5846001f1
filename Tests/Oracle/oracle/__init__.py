"""Martlet against somebody else's results: LiteRT's reference kernels, ONNX Runtime, transformers and others."""
