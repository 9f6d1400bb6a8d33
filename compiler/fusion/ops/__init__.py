"""The primitives that only fused graphs have."""

from __future__ import annotations

from einspec.compiler.fusion.ops.larger import attention as attention
from einspec.compiler.fusion.ops.larger import leaky_relu_in_place as leaky_relu_in_place
from einspec.compiler.fusion.ops.larger import linear_relu as linear_relu
from einspec.compiler.fusion.ops.larger import patch_conv as patch_conv
from einspec.compiler.fusion.ops.larger import pixels as pixels
from einspec.compiler.fusion.ops.larger import rows as rows
from einspec.compiler.fusion.ops.layers import OF_COPIES as OF_COPIES
from einspec.compiler.fusion.ops.layers import STACKED as STACKED
from einspec.compiler.fusion.ops.layers import batch_norm_stack as batch_norm_stack
from einspec.compiler.fusion.ops.layers import conv2d_stack as conv2d_stack
from einspec.compiler.fusion.ops.layers import conv2d_wide as conv2d_wide
from einspec.compiler.fusion.ops.layers import layer_norm_stack as layer_norm_stack
from einspec.compiler.fusion.ops.layers import linear_stack as linear_stack
from einspec.compiler.fusion.ops.layers import linear_sum as linear_sum
from einspec.compiler.fusion.ops.layers import linear_sum_stack as linear_sum_stack
from einspec.compiler.fusion.ops.layers import linear_wide as linear_wide
from einspec.compiler.fusion.ops.layers import linear_wide_relu as linear_wide_relu
from einspec.compiler.fusion.ops.layers import patch_conv_stack as patch_conv_stack
from einspec.compiler.fusion.ops.layers import patch_conv_wide as patch_conv_wide
from einspec.compiler.fusion.ops.layers import pos_stack as pos_stack
from einspec.compiler.fusion.ops.stacks import folded as folded
from einspec.compiler.fusion.ops.stacks import join_copies as join_copies
from einspec.compiler.fusion.ops.stacks import join_stack as join_stack
from einspec.compiler.fusion.ops.stacks import part_copies as part_copies
from einspec.compiler.fusion.ops.stacks import split_stack as split_stack
from einspec.compiler.fusion.ops.stacks import spread as spread
from einspec.compiler.fusion.ops.stacks import stack as stack
from einspec.compiler.fusion.ops.stacks import stack_of as stack_of
from einspec.compiler.fusion.ops.stacks import sum_stack as sum_stack
from einspec.compiler.fusion.ops.stacks import unstack as unstack
