"""What a graph costs: parameters, MACs, and the memory of its activations."""
