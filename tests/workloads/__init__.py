"""The models that demo, benchmarks and end-to-end tests run."""

# The benchmark models, in full_size_models.py at full size and in training_curve.py small. Here, since that takes no
# import of PyTorch.
MODEL_NAMES = ("bert", "gpt2", "llama", "resnet50", "t5", "vit")
