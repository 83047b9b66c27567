
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  
  "public": {
          Tables: {
            "certificates": {
                  Row: {
                    "created_at": string,"full_name": string,"id": string,"issued_at": string,"number": string,"revoked_at": string | null,"revoked_reason": string | null,"updated_at": string,"url": string,"user_id": string,"verification_code": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"full_name": string,"id"?: string,"issued_at"?: string,"number"?: string,"revoked_at"?: string | null,"revoked_reason"?: string | null,"updated_at"?: string,"url": string,"user_id": string,"verification_code"?: string
                  }
                  Update: {
                    "created_at"?: string,"full_name"?: string,"id"?: string,"issued_at"?: string,"number"?: string,"revoked_at"?: string | null,"revoked_reason"?: string | null,"updated_at"?: string,"url"?: string,"user_id"?: string,"verification_code"?: string
                  }
                  Relationships: [
                    
                  ]
                },"lessons": {
                  Row: {
                    "archived": boolean,"created_at": string,"duration_seconds": number,"id": number,"module_id": number,"title": string,"updated_at": string
                  }
                  ComputedFields: never
                  Insert: {
                    "archived"?: boolean,"created_at"?: string,"duration_seconds"?: number,"id": number,"module_id": number,"title": string,"updated_at"?: string
                  }
                  Update: {
                    "archived"?: boolean,"created_at"?: string,"duration_seconds"?: number,"id"?: number,"module_id"?: number,"title"?: string,"updated_at"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "fk_lessons_module_id"
      columns: ["module_id"]
isOneToOne: false
      referencedRelation: "modules"
      referencedColumns: ["id"]
    }
                  ]
                },"module_unlocks": {
                  Row: {
                    "id": string,"module_id": number,"unlocked_at": string,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "id"?: string,"module_id": number,"unlocked_at"?: string,"user_id": string
                  }
                  Update: {
                    "id"?: string,"module_id"?: number,"unlocked_at"?: string,"user_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "fk_module_unlocks_module_id"
      columns: ["module_id"]
isOneToOne: false
      referencedRelation: "modules"
      referencedColumns: ["id"]
    }
                  ]
                },"modules": {
                  Row: {
                    "archived": boolean,"created_at": string,"id": number,"position": number,"title": string,"updated_at": string
                  }
                  ComputedFields: never
                  Insert: {
                    "archived"?: boolean,"created_at"?: string,"id": number,"position": number,"title": string,"updated_at"?: string
                  }
                  Update: {
                    "archived"?: boolean,"created_at"?: string,"id"?: number,"position"?: number,"title"?: string,"updated_at"?: string
                  }
                  Relationships: [
                    
                  ]
                },"sales_activity_log": {
                  Row: {
                    "action_type": string,"created_at": string,"details": NonNullable<Json>,"id": string,"manager_id": string | null,"target_user_id": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "action_type": string,"created_at"?: string,"details"?: NonNullable<Json>,"id"?: string,"manager_id"?: string | null,"target_user_id"?: string | null
                  }
                  Update: {
                    "action_type"?: string,"created_at"?: string,"details"?: NonNullable<Json>,"id"?: string,"manager_id"?: string | null,"target_user_id"?: string | null
                  }
                  Relationships: [
                    
                  ]
                },"student_progress": {
                  Row: {
                    "completed_at": string | null,"created_at": string,"id": string,"lesson_id": number,"module_id": number,"started_at": string | null,"status": string,"updated_at": string,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "completed_at"?: string | null,"created_at"?: string,"id"?: string,"lesson_id": number,"module_id": number,"started_at"?: string | null,"status"?: string,"updated_at"?: string,"user_id": string
                  }
                  Update: {
                    "completed_at"?: string | null,"created_at"?: string,"id"?: string,"lesson_id"?: number,"module_id"?: number,"started_at"?: string | null,"status"?: string,"updated_at"?: string,"user_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "fk_student_progress_module_id_lesson_id"
      columns: ["module_id","lesson_id"]
isOneToOne: false
      referencedRelation: "lessons"
      referencedColumns: ["module_id","id"]
    }
                  ]
                },"tripwire_user_profile": {
                  Row: {
                    "certificate_issued": boolean,"certificate_url": string | null,"completion_percentage": number,"created_at": string,"id": string,"modules_completed": number,"total_modules": number,"updated_at": string,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "certificate_issued"?: boolean,"certificate_url"?: string | null,"completion_percentage"?: number,"created_at"?: string,"id"?: string,"modules_completed"?: number,"total_modules"?: number,"updated_at"?: string,"user_id": string
                  }
                  Update: {
                    "certificate_issued"?: boolean,"certificate_url"?: string | null,"completion_percentage"?: number,"created_at"?: string,"id"?: string,"modules_completed"?: number,"total_modules"?: number,"updated_at"?: string,"user_id"?: string
                  }
                  Relationships: [
                    
                  ]
                },"tripwire_users": {
                  Row: {
                    "created_at": string,"email": string,"full_name": string,"granted_by": string | null,"id": string,"manager_name": string | null,"modules_completed": number,"price": number,"status": string,"updated_at": string,"user_id": string,"welcome_email_sent": boolean,"welcome_email_sent_at": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"email": string,"full_name": string,"granted_by"?: string | null,"id"?: string,"manager_name"?: string | null,"modules_completed"?: number,"price"?: number,"status"?: string,"updated_at"?: string,"user_id": string,"welcome_email_sent"?: boolean,"welcome_email_sent_at"?: string | null
                  }
                  Update: {
                    "created_at"?: string,"email"?: string,"full_name"?: string,"granted_by"?: string | null,"id"?: string,"manager_name"?: string | null,"modules_completed"?: number,"price"?: number,"status"?: string,"updated_at"?: string,"user_id"?: string,"welcome_email_sent"?: boolean,"welcome_email_sent_at"?: string | null
                  }
                  Relationships: [
                    
                  ]
                },"user_achievements": {
                  Row: {
                    "achievement_id": string,"completed_at": string | null,"created_at": string,"current_value": number,"id": string,"is_completed": boolean,"required_value": number,"updated_at": string,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "achievement_id": string,"completed_at"?: string | null,"created_at"?: string,"current_value"?: number,"id"?: string,"is_completed"?: boolean,"required_value"?: number,"updated_at"?: string,"user_id": string
                  }
                  Update: {
                    "achievement_id"?: string,"completed_at"?: string | null,"created_at"?: string,"current_value"?: number,"id"?: string,"is_completed"?: boolean,"required_value"?: number,"updated_at"?: string,"user_id"?: string
                  }
                  Relationships: [
                    
                  ]
                },"user_statistics": {
                  Row: {
                    "created_at": string,"lessons_completed": number,"total_time_spent": number,"updated_at": string,"user_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"lessons_completed"?: number,"total_time_spent"?: number,"updated_at"?: string,"user_id": string
                  }
                  Update: {
                    "created_at"?: string,"lessons_completed"?: number,"total_time_spent"?: number,"updated_at"?: string,"user_id"?: string
                  }
                  Relationships: [
                    
                  ]
                },"users": {
                  Row: {
                    "created_at": string,"email": string,"full_name": string | null,"id": string,"onboarding_completed": boolean,"role": string,"telegram_chat_id": number | null,"updated_at": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"email": string,"full_name"?: string | null,"id": string,"onboarding_completed"?: boolean,"role"?: string,"telegram_chat_id"?: number | null,"updated_at"?: string
                  }
                  Update: {
                    "created_at"?: string,"email"?: string,"full_name"?: string | null,"id"?: string,"onboarding_completed"?: boolean,"role"?: string,"telegram_chat_id"?: number | null,"updated_at"?: string
                  }
                  Relationships: [
                    
                  ]
                },"video_tracking": {
                  Row: {
                    "allowance_ms": number,"counted_ms": number,"created_at": string,"id": string,"is_qualified_for_completion": boolean,"last_position_seconds": number,"last_seen_at": string | null,"lesson_id": number,"qualified_segments": Json | null,"total_watched_seconds": number,"updated_at": string,"user_id": string,"video_duration_seconds": number,"watch_percentage": number,"watched_segments": NonNullable<Json>
                  }
                  ComputedFields: never
                  Insert: {
                    "allowance_ms"?: number,"counted_ms"?: number,"created_at"?: string,"id"?: string,"is_qualified_for_completion"?: boolean,"last_position_seconds"?: number,"last_seen_at"?: string | null,"lesson_id": number,"qualified_segments"?: Json | null,"total_watched_seconds"?: number,"updated_at"?: string,"user_id": string,"video_duration_seconds"?: number,"watch_percentage"?: number,"watched_segments"?: NonNullable<Json>
                  }
                  Update: {
                    "allowance_ms"?: number,"counted_ms"?: number,"created_at"?: string,"id"?: string,"is_qualified_for_completion"?: boolean,"last_position_seconds"?: number,"last_seen_at"?: string | null,"lesson_id"?: number,"qualified_segments"?: Json | null,"total_watched_seconds"?: number,"updated_at"?: string,"user_id"?: string,"video_duration_seconds"?: number,"watch_percentage"?: number,"watched_segments"?: NonNullable<Json>
                  }
                  Relationships: [
                    {
      foreignKeyName: "fk_video_tracking_lesson_id"
      columns: ["lesson_id"]
isOneToOne: false
      referencedRelation: "lessons"
      referencedColumns: ["id"]
    }
                  ]
                }
          }
          Views: {
            [_ in never]: never
          }
          Functions: {
            "rpc_check_video_qualification":
{ Args: { "lesson_id_param": number,"user_id_param": string }; Returns: boolean
                           },
"rpc_get_manager_activity":
{ Args: { "action_types"?: (string)[],"before"?: string,"before_id"?: string,"from_date"?: string,"limit_count"?: number,"manager_id_param": string,"time_zone"?: string,"to_date"?: string }; Returns: {
              "action_type": string,"created_at": string,"details": Json,"id": string,"target_user_email": string,"target_user_id": string,"target_user_name": string
            }[]
                           },
"rpc_get_manager_stats":
{ Args: { "from_date"?: string,"manager_id_param"?: string,"time_zone"?: string,"to_date"?: string }; Returns: {
              "active_students": number,"avg_completion_rate": number,"completed_students": number,"revenue_this_month": number,"students_this_month": number,"total_revenue": number,"total_students": number
            }[]
                           },
"rpc_get_sales_chart_data":
{ Args: { "days_back"?: number,"from_date"?: string,"manager_id_param"?: string,"time_zone"?: string,"to_date"?: string }; Returns: {
              "date": string,"revenue": number,"students_created": number
            }[]
                           },
"rpc_get_sales_leaderboard":
{ Args: { "from_date"?: string,"limit_count"?: number,"time_zone"?: string,"to_date"?: string }; Returns: {
              "active_students": number,"avg_completion_rate": number,"completed_students": number,"email": string,"manager_id": string,"manager_name": string,"revenue_this_month": number,"students_this_month": number,"total_revenue": number,"total_students": number
            }[]
                           }
          }
          Enums: {
            [_ in never]: never
          }
          CompositeTypes: {
            [_ in never]: never
          }
        }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
  ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R
    }
    ? R
    : never
  : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I
    }
    ? I
    : never
  : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U
    }
    ? U
    : never
  : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
  ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
  ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never

export const Constants = {
  "public": {
          Enums: {
            
          }
        }
} as const
