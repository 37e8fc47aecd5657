"""The supervisor behind `make up`: it finds or starts what Berth needs, then keeps Berth running."""
