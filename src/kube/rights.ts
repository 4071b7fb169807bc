/** What to do where a right is missing that only Secret sync needs. */
export const syncRights = "set secrets-store-csi-driver.syncSecret.enabled=true in the chart's values";
