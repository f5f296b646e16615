"""Edges that the authors of the companion counted for modular addition.

Fewest edges within .001 of the accuracy of five transformers modulo 113, by layer: attention, perceptron, unembedding.

Source: outputs kept with the authors' code, github.com/ApolloResearch/rib, for arXiv 2405.10928.
"""

ADDITION_EDGES = {
    "local": ((133, 80, 71, 58, 91), (82, 75, 71, 60, 82), (633, 699, 610, 535, 694)),
    "pca": ((167, 76, 99, 115, 130), (114, 53, 71, 71, 117), (682, 734, 598, 547, 752)),
}
