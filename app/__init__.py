"""Landbridge: plans and carries out the move of AWS workloads from EC2-Classic into a VPC."""
