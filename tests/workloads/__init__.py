"""The models that demo, benchmarks and end-to-end tests run."""
