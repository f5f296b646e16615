"""Pretrained softmax attention turned into gated linear attention beside a short window, and its fine-tuning.

Source: Lan et al. 2025 (Liger), with the two-stage baseline of Zhang et al. 2025 (LoLCATs).
"""
