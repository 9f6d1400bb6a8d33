"""The compiler: architecture -> graph -> key and costs -> torch. Only ``emit``, ``interpret`` and ``modules`` import torch."""
