print("opah")
