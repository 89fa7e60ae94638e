"""The judge: metrics, full-ranking evaluation, results and reports; importable on its own."""
