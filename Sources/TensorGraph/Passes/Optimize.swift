extension Computation {
    /// Everything that is done to a computation before it is placed.
    package func optimized() -> Computation {
        simplified().withoutEmptyOperands().simplified().withProductsOfTables().simplified().fused()
            .withGroupedPrograms()
    }
}
