"""The compiler: architecture -> graph -> simplified -> identity and costs, and fused -> torch modules.

Only ``emit`` imports torch.
"""
