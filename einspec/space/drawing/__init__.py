"""Drawing: attempts until one succeeds, of a size that is asked for, and what samples are like."""
