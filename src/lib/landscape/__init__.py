"""Loss landscapes between networks: lines, barriers, planes, curvature, alignment of hidden units, runs that fork."""
