"""The compiler: architecture -> graph -> key and costs -> torch.

Only ``emit``, ``export``, ``interpret``, ``modules`` and ``transfer`` import torch.
"""
