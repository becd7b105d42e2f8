ORDERS = ["a", "b"]
