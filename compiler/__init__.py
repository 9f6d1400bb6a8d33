"""The compiler: architecture -> graph -> simplified -> key and costs, and fused -> torch.

Only ``emit``, ``export``, ``held``, ``interpret``, ``modules``, ``source``, ``stacked``, ``tracing``, ``transfer`` and
``weights`` import torch.
"""
