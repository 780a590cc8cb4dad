"""What every resumable job needs: a folder of its own, a ledger, an order, a budget, a pace."""
