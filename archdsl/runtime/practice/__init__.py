"""Networks in the tools of others: models of timm, and models of the Hugging Face Hub."""
