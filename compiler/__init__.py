"""The compiler: architecture -> graph -> key and costs -> torch.

Only ``emit``, ``export``, ``interpret`` and ``modules`` import torch.
"""
