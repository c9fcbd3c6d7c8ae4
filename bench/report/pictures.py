def draw(run): return {}
