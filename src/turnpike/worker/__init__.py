"""Program 3: long tasks, in a pool of this machine or in Celery. Nothing runs here yet."""
