"""Step-back prompting as a guidance plugin of cogtrace."""
